import { takeVariables, type Variables } from './process-environment.ts';

/** The environment that this process was started with. Taken out of it when this is imported: before what reads the environment by itself. */
export const env: Variables = takeVariables(process.env);
