import type { Check } from '../../model/check.ts';
import type { World } from '../world.ts';

/** As package.json has it in `engines`. */
export const leastNode = [20, 19] as const;

export function nodeCheck({ nodeVersion, version }: World): Check {
  return {
    name: 'node',
    needs: [],
    run: async () => {
      const [major = 0, minor = 0] = nodeVersion.split('.').map(Number);
      const [leastMajor, leastMinor] = leastNode;
      const isEnough = major > leastMajor || (major === leastMajor && minor >= leastMinor);
      const text = `image-custody ${version} runs on Node.js ${nodeVersion}`;
      if (isEnough) return { state: 'right', text };
      const hint = `Install Node.js ${leastMajor}.${leastMinor} or later; the runners of GitHub and Azure Pipelines bring their own.`;
      return { state: 'wrong', text: `${text}, which is too old`, hint };
    },
  };
}
