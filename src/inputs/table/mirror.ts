import type { Input } from '../input.ts';

/** What `mirror` puts where, besides `push`. */
export const mirrorInputs = [
  {
    name: 'ecosystem',
    type: 'list',
    commands: ['mirror'],
    defaultText: 'all that there are, of osv.dev those that can be matched',
    description: 'For `mirror`: ecosystems of the snapshot, as OSV writes them and without release, e.g. `Debian` and `npm`.',
  },
  {
    name: 'snapshot',
    type: 'file',
    commands: ['mirror'],
    defaultText: 'empty',
    description: 'For `mirror`: file that the snapshot is written to.',
  },
] as const satisfies readonly Input[];
