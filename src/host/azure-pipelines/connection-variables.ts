import { StepError } from '../../lib/step-error.ts';

export type ConnectionErrorCode =
  | 'service-connection-missing'
  | 'service-connection-unsupported'
  | 'service-connection-incomplete'
  | 'service-connection-unauthorized'
  | 'service-connection-refused'
  | 'oidc-endpoint-missing';

export function connectionError(code: ConnectionErrorCode, message: string, hint: string): StepError<ConnectionErrorCode> {
  return new StepError({ code, origin: 'identity', message, hint });
}

/** A service connection as the agent puts it into the environment of the task; an empty value counts as absent. */
export interface ConnectionVariables {
  readonly id: string;
  readonly scheme: string;
  /** Of the authorization, e.g. `servicePrincipalId`. */
  readonly parameter: (name: string) => string | undefined;
  /** Of the connection, e.g. `environment`. */
  readonly data: (name: string) => string | undefined;
}

/** Throws a StepError `service-connection-missing` where the agent gave the task no such connection. */
export function readConnectionVariables(id: string, env: Readonly<Record<string, string | undefined>>): ConnectionVariables {
  // Without a scheme it is a service principal: azure-arm-endpoint.ts of azure-pipelines-tasks-common-packages.
  const scheme = env[`ENDPOINT_AUTH_SCHEME_${id}`] || (env[`ENDPOINT_AUTH_${id}`] ? 'ServicePrincipal' : undefined);
  if (scheme === undefined) {
    throw connectionError(
      'service-connection-missing',
      `Cannot use the service connection ${JSON.stringify(id)}: the agent gave this task none of that name`,
      'azureServiceConnection has to be the name of an Azure Resource Manager connection of this project, written out or as a variable that is known when the ' +
        'run is queued: az devops service-endpoint list --query "[?type==\'azurerm\'].name" --output tsv lists them.',
    );
  }
  const read = (kind: string, name: string) => env[`ENDPOINT_${kind}_${id}_${name.toUpperCase()}`] || undefined;
  return { id, scheme, parameter: (name) => read('AUTH_PARAMETER', name), data: (name) => read('DATA', name) };
}
