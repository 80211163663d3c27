import { type Deployment, type DeploymentPart, findUsedImages } from '../../src/deployment/deployment.ts';
import { parseYamlFile } from '../../src/deployment/yaml-file.ts';

/** The images of files, by their paths. `extended`: files that services of the others extend. */
export function findImages(
  files: Readonly<Record<string, string>>,
  more: Partial<DeploymentPart> = {},
  extended: Readonly<Record<string, string>> = {},
): Deployment {
  const parse = (texts: typeof files) => Object.entries(texts).map(([path, text]) => parseYamlFile({ path, text }));
  const parts = parse(files).map((parsed): DeploymentPart => {
    const folder = parsed.file.path.split('/').slice(0, -1).join('/');
    return { parsed, folder, variables: new Map(), isIncluded: false, ...more };
  });
  return findUsedImages(parts, new Map(parse(extended).map((parsed) => [parsed.file.path, parsed])));
}
