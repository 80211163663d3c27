import { toCamelCase } from './input.ts';
import { outputs } from './table.ts';

/** The names of the input `export-secrets`. `refuse` throws: it is told what was given and what is accepted. */
export function parseExportedNames(names: readonly string[], refuse: (value: string, accepted: string) => never): readonly string[] {
  const seen = new Set<string>();
  for (const name of names) {
    const plain = name.toUpperCase();
    if (!variableName.test(name))
      refuse(JSON.stringify(name), 'names of variables: letters, digits and underscores, at most 100, no digit first');
    if (reserved.test(name))
      refuse(JSON.stringify(name), `names that no program acts on, such as SHOP_${plain}; name the secret anew in secrets`);
    if (ownOutputs.has(plain)) refuse(JSON.stringify(name), `names other than those of this step's outputs, such as SHOP_${plain}`);
    if (seen.has(plain)) refuse(`${JSON.stringify(name)} twice`, 'each name once; case does not count');
    seen.add(plain);
  }
  return names;
}

const variableName = /^[A-Za-z_][A-Za-z0-9_]{0,99}$/;

/** Neither host tells the names of outputs and variables apart by case. */
const ownOutputs: ReadonlySet<string> = new Set(
  outputs.flatMap(({ name }) => [name, toCamelCase(name)]).map((name) => name.toUpperCase().replaceAll('-', '_')),
);

/**
 * Variables that a shell, a loader, an interpreter, git, a client of HTTP, the runner or the agent acts on: under such a name a secret would change what
 * the steps do that map it to a variable of the same name. Azure's agent takes its own settings (`SYSTEM_…`, `AZP_…`) from variables that steps have set.
 */
const reserved = new RegExp(
  `^(?:${[
    'PATH|PATHEXT|HOME|USER|USERNAME|USERPROFILE|SHELL|COMSPEC|ENV|BASH_ENV|BASH_FUNC\\w*|CDPATH|IFS|PS4|PWD|TMP|TEMP|TMPDIR|CI|TF_BUILD',
    'LD_\\w*|DYLD_\\w*|NODE_\\w*|NPM_CONFIG_\\w*|PYTHON\\w*|PERL\\w*|RUBY\\w*|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|JDK_JAVA_OPTIONS|DOTNET_\\w*|GIT_\\w*',
    'SSL_CERT_\\w*|\\w*_PROXY|DOCKER_\\w*',
    'GITHUB_\\w*|RUNNER_\\w*|ACTIONS_\\w*|INPUT_\\w*|STATE_\\w*',
    'AGENT_\\w*|AZP_\\w*|BUILD_\\w*|DISTRIBUTEDTASK_\\w*|ENDPOINT_\\w*|PIPELINE_\\w*|RELEASE_\\w*|SECUREFILE_\\w*|SYSTEM_\\w*|TASK_\\w*|VSTS\\w*',
  ].join('|')})$`,
  'i',
);
