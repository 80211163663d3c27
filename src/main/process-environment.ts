export type Variables = Readonly<Record<string, string | undefined>>;

/** What Node, its libraries and the programs that a run may ask need of the environment. */
const kept = [
  ...['PATH', 'PATHEXT', 'HOME', 'USER', 'LOGNAME', 'TMPDIR', 'TEMP', 'TMP', 'TZ', 'LANG', 'LANGUAGE', 'LC_ALL', 'LC_CTYPE'],
  ...['SystemRoot', 'SystemDrive', 'windir', 'ComSpec', 'USERPROFILE', 'APPDATA', 'LOCALAPPDATA', 'ProgramData', 'ProgramFiles'],
  ...['NODE_OPTIONS', 'NODE_DEBUG', 'NODE_EXTRA_CA_CERTS', 'NODE_USE_SYSTEM_CA', 'NODE_NO_WARNINGS', 'NODE_V8_COVERAGE'],
  ...['SSL_CERT_FILE', 'SSL_CERT_DIR', 'OPENSSL_CONF', 'REQUESTS_CA_BUNDLE'],
  ...['XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'XDG_RUNTIME_DIR', 'DBUS_SESSION_BUS_ADDRESS', 'GNUPGHOME', 'DOCKER_CONFIG', 'AZURE_CONFIG_DIR'],
  // The SDK itself looks up how the platform gives managed identities. IDENTITY_HEADER and MSI_SECRET are good on this machine alone, at that endpoint.
  ...['IDENTITY_ENDPOINT', 'IDENTITY_HEADER', 'IDENTITY_SERVER_THUMBPRINT', 'IMDS_ENDPOINT', 'MSI_ENDPOINT', 'MSI_SECRET'],
  ...['DEFAULT_IDENTITY_CLIENT_ID', 'AZURE_POD_IDENTITY_AUTHORITY_HOST'],
].map((name) => name.toUpperCase());

/**
 * Moves the environment out of a process: gives a copy of all of it, and leaves there only what Node and its libraries need. Whatever a job has put into
 * variables, whether we know it for a secret or not, is then inherited by no child, read by no library, and named by no log level of theirs.
 */
export function takeVariables(target: Record<string, string | undefined>): Variables {
  const variables = { ...target };
  for (const name of Object.keys(variables)) if (!kept.includes(name.toUpperCase())) delete target[name];
  return variables;
}
