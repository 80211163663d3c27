/** An Azure cloud: what its identities, vaults and resource manager are called. */
export interface Cloud {
  /** Of Entra ID, without a trailing slash. */
  readonly authorityHost: string;
  readonly vaultSuffix: string;
  /** Resource of tokens for the resource manager, which registries accept in place of their own. */
  readonly resourceManager: string;
  /** What a federated token is issued for. https://learn.microsoft.com/entra/workload-id/workload-identity-federation-create-trust */
  readonly tokenExchangeAudience: string;
  /** Microsoft's own: its authority answers instance discovery. */
  readonly isMicrosoft: boolean;
}

const publicCloud: Cloud = {
  authorityHost: 'https://login.microsoftonline.com',
  vaultSuffix: 'vault.azure.net',
  resourceManager: 'https://management.azure.com',
  tokenExchangeAudience: 'api://AzureADTokenExchange',
  isMicrosoft: true,
};

/** https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud */
const clouds: readonly Cloud[] = [
  publicCloud,
  {
    authorityHost: 'https://login.microsoftonline.us',
    vaultSuffix: 'vault.usgovcloudapi.net',
    resourceManager: 'https://management.usgovcloudapi.net',
    tokenExchangeAudience: 'api://AzureADTokenExchangeUSGov',
    isMicrosoft: true,
  },
  {
    authorityHost: 'https://login.chinacloudapi.cn',
    vaultSuffix: 'vault.azure.cn',
    resourceManager: 'https://management.chinacloudapi.cn',
    tokenExchangeAudience: 'api://AzureADTokenExchangeChina',
    isMicrosoft: true,
  },
];

/** Other names of an authority; Azure Pipelines and older tools give them. */
const aliases: Readonly<Record<string, string>> = {
  'https://login.windows.net': 'https://login.microsoftonline.com',
  'https://login.partner.microsoftonline.cn': 'https://login.chinacloudapi.cn',
};

/** Suffixes of the hosts of all vaults. */
export const vaultSuffixes: readonly string[] = clouds.map((cloud) => cloud.vaultSuffix);

/** The cloud of an authority; one that is not Microsoft's has the names of the public cloud. Undefined where it is no https URL of a host. */
export function cloudOf(authorityHost: string | undefined): Cloud | undefined {
  if (authorityHost === undefined || authorityHost === '') return publicCloud;
  if (!URL.canParse(authorityHost)) return undefined;
  const url = new URL(authorityHost);
  if (url.protocol !== 'https:' || url.pathname !== '/' || url.search !== '' || url.hash !== '' || url.username !== '') return undefined;
  const host = aliases[url.origin] ?? url.origin;
  return clouds.find((cloud) => cloud.authorityHost === host) ?? { ...publicCloud, authorityHost: url.origin, isMicrosoft: false };
}

/** Whether a host is this machine, as the sandbox's stand-ins are. */
export function isLoopback(url: URL): boolean {
  return ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
}
