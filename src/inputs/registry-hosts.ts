/** Says what is wrong with an item, and what is accepted. */
export type RefuseItem = (value: string, accepted: string) => never;

const hostPattern = /^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(?::\d{1,5})?$/;

export function parseHost(host: string, refuse: RefuseItem): string {
  if (!hostPattern.test(host)) refuse(JSON.stringify(host), 'hosts, e.g. registry.local:5000, one a line');
  return host.toLowerCase();
}

/** `REGISTRY=HOST` lines: hosts by registry, both in lower case. */
export function parseTokenHosts(lines: readonly string[], refuse: RefuseItem): ReadonlyMap<string, readonly string[]> {
  const hosts = new Map<string, readonly string[]>();
  for (const line of lines) {
    const [registry = '', host = '', ...rest] = line
      .toLowerCase()
      .split('=')
      .map((part) => part.trim());
    if (rest.length > 0 || !hostPattern.test(registry) || !hostPattern.test(host)) {
      refuse(JSON.stringify(line), 'REGISTRY=HOST lines without scheme or path, e.g. registry.example.com=gitlab.example.com');
    }
    hosts.set(registry, [...(hosts.get(registry) ?? []), host]);
  }
  return hosts;
}
