import { BlockList, isIP, isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';
import { isLoopbackHost } from './http-reach.ts';

/**
 * Which hosts a value of NO_PROXY takes from the proxy, read as Go does (so Docker, crane and skopeo):
 * https://pkg.go.dev/golang.org/x/net/http/httpproxy#Config. A comma or white space parts the entries; `*` is all hosts, `example.com` and all
 * below it, `.example.com` and `*.example.com` only what is below; an address or a CIDR block is held against addresses alone, for no name is
 * resolved. All but a block may have a port. This machine (`localhost`, 127.0.0.0/8, `::1`) is never asked of a proxy. An entry of another
 * form matches nothing.
 */
export function parseNoProxy(text: string): (url: URL) => boolean {
  const rules = text
    .toLowerCase()
    .split(/[\s,]+/)
    .flatMap(toRule);
  return (url) => {
    const host = toHost(url);
    return isLoopbackHost(url.hostname) || rules.some((isMatch) => isMatch(host));
  };
}

interface Host {
  /** Without the brackets of an IPv6 address, without the dot at the end of a whole name. */
  readonly name: string;
  readonly port: string;
  readonly isAddress: boolean;
}

function toHost({ hostname, port, protocol }: URL): Host {
  const name = hostname.replace(/^\[|\]$|\.$/g, '');
  return { name, port: port || (protocol === 'https:' ? '443' : '80'), isAddress: isIP(name) !== 0 };
}

type Rule = (host: Host) => boolean;

function toRule(entry: string): readonly Rule[] {
  if (entry === '') return [];
  if (entry === '*') return [() => true];
  const [, net, prefix] = /^(.+)\/(\d{1,3})$/.exec(entry) ?? [];
  if (net !== undefined) return toBlock(net, Number(prefix));
  const { name, port } = splitPort(entry);
  const isPort = (host: Host): boolean => port === undefined || port === host.port;
  if (isIP(name) !== 0) {
    const block = toBlock(name, isIPv6(name) ? 128 : 32);
    return block.map((isMatch) => (host) => isMatch(host) && isPort(host));
  }
  const domain = name.replace(/^\*(?=\.)/, '');
  const bare = toAscii(domain.replace(/^\./, ''));
  if (bare === '') return [];
  const isDomain = domain.startsWith('.') ? () => false : (host: Host) => host.name === bare;
  return [(host) => !host.isAddress && (isDomain(host) || host.name.endsWith(`.${bare}`)) && isPort(host)];
}

/** Node tells an IPv4 address that is written as an IPv6 one by itself. */
function toBlock(net: string, prefix: number): readonly Rule[] {
  const family = isIPv6(net) ? 'ipv6' : 'ipv4';
  if (isIP(net) === 0 || prefix > (family === 'ipv6' ? 128 : 32)) return [];
  const block = new BlockList();
  block.addSubnet(net, prefix, family);
  return [({ name, isAddress }) => isAddress && block.check(name, isIPv6(name) ? 'ipv6' : 'ipv4')];
}

function splitPort(entry: string): { readonly name: string; readonly port: string | undefined } {
  const [, name = entry, port] = /^\[([^\]]*)\](?::(\d*))?$/.exec(entry) ?? /^([^:]*):(\d*)$/.exec(entry) ?? [];
  return { name, port: port === '' ? undefined : port };
}

function toAscii(domain: string): string {
  return /^[\x21-\x7e]*$/.test(domain) ? domain : domainToASCII(domain);
}
