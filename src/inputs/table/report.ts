import { deciding, type Input } from '../input.ts';

/** Where the run is told of. */
export const reportInputs = [
  {
    name: 'annotations',
    type: 'flag',
    commands: deciding,
    default: 'true',
    description: 'Annotate the run and the lines that caused findings.',
  },
  { name: 'comment', type: 'flag', commands: deciding, default: 'true', description: 'Keep one comment on the pull request up to date.' },
  { name: 'summary', type: 'flag', commands: deciding, default: 'true', description: 'Write the report to the summary of the run.' },
  {
    name: 'report',
    type: 'file',
    commands: deciding,
    defaultText: "a file in the runner's temporary folder",
    description: 'File for the JSON report.',
  },
  {
    name: 'github-token',
    type: 'credential',
    commands: deciding,
    onlyOn: 'github',
    githubDefault: '${{ github.token }}',
    defaultText: '`${{ github.token }}`',
    description: 'Token for the comment (`pull-requests: write`) and the check run (`checks: write`).',
  },
] as const satisfies readonly Input[];
