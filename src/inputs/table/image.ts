import { commands, type Input, publishing } from '../input.ts';

/** The image, where it goes, and in what form. */
export const imageInputs = [
  {
    name: 'command',
    type: 'choice',
    choices: commands,
    default: 'secure',
    notOn: 'shell',
    commands,
    description:
      '`secure` takes an image into custody; `verify` holds images, and those of a deployment, against what is known of them; `doctor` checks everything that `secure` needs, and changes nothing; `mirror` puts a snapshot of the advisories into your own registry. On the command line these are subcommands.',
  },
  {
    name: 'image',
    type: 'text',
    required: true,
    description:
      'The image to take into custody: `app:ci` (Docker daemon), `docker-archive:FILE`, `oci-archive:FILE[:TAG]`, `oci:DIR[:TAG]` or `registry:REFERENCE`. Archives may be compressed (gzip, zstd); on the command line `-` in place of FILE is the standard input.',
  },
  {
    name: 'platform',
    type: 'list',
    defaultText: 'all',
    description:
      'Limits what is scanned and pushed of a multi-platform image, e.g. to `linux/amd64`. One platform is published as its own manifest, several as an index of them.',
  },
  {
    name: 'dockerfile',
    type: 'file',
    defaultText: '`Dockerfile` in the repository, if present',
    description: 'Dockerfile of the image, so that findings are shown on the line that caused them.',
  },
  {
    name: 'push',
    type: 'list',
    commands: publishing,
    defaultText: 'empty: scan only',
    description: 'Destination references, e.g. `registry.example.com/team/app:1.2`. All get the same digest.',
  },
  {
    name: 'compression',
    type: 'choice',
    choices: ['gzip', 'zstd', 'keep'],
    default: 'gzip',
    description:
      'For layers that arrive uncompressed; `zstd` is smaller and faster, and needs containerd 1.5 or Docker 23 to be pulled. Compressed layers are published byte for byte.',
  },
] as const satisfies readonly Input[];
