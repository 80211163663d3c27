import * as v from 'valibot';
import { isJsonObject, type JsonObject, type JsonValue } from './strict-json.ts';

/** An object of JSON, where one of valibot's own schemas would take a list for an object without members. */
export const jsonObject = v.custom<JsonObject>((value) => isJsonObject(value as JsonValue));
