import { type Package, rpmInstallers } from '../../../model/package.ts';

/** What the image has to upgrade packages of rpm: the first of `rpmInstallers` that is a package of it. Images without any have to be built anew. */
export function withInstaller(packages: readonly Package[]): readonly Package[] {
  const names = new Set(packages.flatMap(({ type, name }) => (type === 'rpm' ? [name] : [])));
  const installer = names.has('dnf5') ? 'dnf' : rpmInstallers.find((name) => names.has(name));
  return installer === undefined ? packages : packages.map((item) => (item.type === 'rpm' ? { ...item, installer } : item));
}
