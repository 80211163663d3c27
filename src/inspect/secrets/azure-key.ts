import { isPlaceholder } from './placeholder.ts';
import { latin1, type Neighbourhood, type SecretMatch, type SecretRule } from './secret-rule.ts';

/**
 * Keys of Azure accounts, by the name before them: `AccountKey=` in connection strings (Storage, Cosmos DB), `…STORAGE_KEY`, `accountKey:`
 * and the like; `SharedAccessKey=` of Service Bus, Event Hubs and IoT Hub.
 */
export const azureKeyRule: SecretRule = {
  anchors: [
    ['est', 'K', 'e'],
    ['_-tT', 'kK', 'eE'],
  ],
  begins: (content, at) => (content[at + 3] === 0x79 || content[at + 3] === 0x59) && keyAndValue.test(latin1(content, at, at + 44)),
  match: matchKey,
};

const keyAndValue = /^.key\d?["'\]]{0,2}\s{0,4}(?:=>|:=|[=:,])\s{0,4}["']?[A-Za-z0-9+/]{24}/i;

function matchKey({ text, at }: Neighbourhood): SecretMatch | undefined {
  const named = /^.key\d?["'\]]{0,2}\s{0,4}(?:=>|:=|[=:,])\s{0,4}["']?([A-Za-z0-9+/]{42,86}={1,2})(?![A-Za-z0-9+/=])/i.exec(
    text.slice(at, at + 120),
  );
  const secret = named?.[1];
  if (secret === undefined || emulatorKeys.has(secret) || isPlaceholder(secret.slice(0, -2))) return undefined;
  const start = text.indexOf(secret, at);
  const name = text.slice(Math.max(0, at - 40), at + 4);
  const context = text.slice(Math.max(0, at - 300), start);
  if (isBase64Of(secret, 64) && /account|storage|azure|cosmos|blob/i.test(context)) {
    const isCosmos = /AccountEndpoint=|documents\.azure|cosmos/i.test(context);
    const title = isCosmos ? 'Azure Cosmos DB account key' : 'Azure Storage account key';
    return { rule: 'azure-storage-key', title, severity: 'critical', secret, start };
  }
  if (isBase64Of(secret, 32) && /SharedAccessKey$/i.test(name) && /Endpoint=|HostName=|SharedAccessKeyName=/i.test(context)) {
    return { rule: 'azure-shared-access-key', title: 'Azure shared access key', severity: 'critical', secret, start };
  }
  return undefined;
}

/** Whether `text` is base64 of `size` bytes in its one canonical form; what was made up by hand seldom is. */
function isBase64Of(text: string, size: number): boolean {
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === size && bytes.toString('base64') === text;
}

/** The keys of the emulators, which Microsoft publishes: https://learn.microsoft.com/azure/storage/common/storage-use-azurite and https://learn.microsoft.com/azure/cosmos-db/emulator */
const emulatorKeys: ReadonlySet<string> = new Set([
  'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==',
  'C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw==',
]);

/** Shared access signatures: a URL's `sig` beside its `sv` (https://learn.microsoft.com/rest/api/storageservices/create-service-sas). */
export const azureSignatureRule: SecretRule = {
  anchors: [['?&;', 's', 'i']],
  begins: (content, at) => content[at + 3] === 0x67 && content[at + 4] === 0x3d,
  match({ text, at }) {
    const signature = /^[?&;]sig=((?:[A-Za-z0-9]|%2B|%2F|[+/]){40,60}(?:%3D|=))/i.exec(text.slice(at, at + 200))?.[1];
    if (signature === undefined) return undefined;
    const query =
      /[^\s"'<>`]{0,600}$/.exec(text.slice(Math.max(0, at - 600), at))?.[0] + (/^[^\s"'<>`]{0,600}/.exec(text.slice(at))?.[0] ?? '');
    const key = Buffer.from(signature.replace(/%2B/gi, '+').replace(/%2F/gi, '/').replace(/%3D/gi, '='), 'base64');
    if (key.length !== 32 || !/[?&;]sv=\d{4}-\d\d-\d\d/.test(`?${query}`) || isPlaceholder(signature)) return undefined;
    return {
      rule: 'azure-shared-access-signature',
      title: 'Azure shared access signature',
      severity: 'high',
      secret: signature,
      start: at + 5,
    };
  },
};
