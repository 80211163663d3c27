import { Refusal, toJsonAnswer } from '../exchange.ts';

/** A refusal as the service's exceptions are serialised. */
export function toDevopsRefusal(
  status: number,
  typeKey: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
  namespace = 'Microsoft.TeamFoundation.Git.Server',
): Refusal {
  const typeName = `${namespace}.${typeKey}, ${namespace}`;
  const isVersion = typeKey.startsWith('Vss');
  const eventId = isVersion || status === 401 || status === 403 || status === 404 ? 3000 : 0;
  return new Refusal(toJsonAnswer(status, { $id: '1', innerException: null, message, typeName, typeKey, errorCode: 0, eventId }, headers));
}

export function invalidArgument(message: string): Refusal {
  return toDevopsRefusal(400, 'InvalidArgumentValueException', message, {}, 'Microsoft.TeamFoundation.SourceControl.WebServer');
}

/** The 403 of an identity without "Contribute to pull requests". */
export function needsPullRequestContribute(identityId: string): Refusal {
  const details = `Details: identity 'Build\\${identityId}', scope 'repository'.`;
  const message = `TF401027: You need the Git 'PullRequestContribute' permission to perform this action. ${details}`;
  return toDevopsRefusal(403, 'GitNeedsPermissionException', message);
}
