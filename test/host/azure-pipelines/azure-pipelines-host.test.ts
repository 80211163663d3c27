import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { SecretValue } from '../../../src/lib/secret-value.ts';
import { StepError } from '../../../src/lib/step-error.ts';
import { testHostContract } from '../../contract/host.ts';
import { payloads } from '../../report/payloads.ts';
import { type AzureSetup, setUpAzure } from '../azure-setup.ts';
import { readAgentCommands, readAgentWarnings, readFormattedLines } from '../oracle-azure-agent.ts';
import { readLines } from '../oracle-dotnet.ts';
import { maskAsAgent } from '../oracle-masker.ts';

const denied = { conclusion: 'failure', title: 'Denied', summary: 'x' } as const;
const passed = { conclusion: 'success', title: 'Passed', summary: 'x' } as const;

let open: AzureSetup | undefined;
afterEach(() => open?.close());

async function setUp(...options: Parameters<typeof setUpAzure>): Promise<AzureSetup> {
  open = await setUpAzure(...options);
  return open;
}

testHostContract('Azure Pipelines', {
  setUp: async () => {
    const { host, output, close } = await setUpAzure();
    return {
      host,
      output,
      close,
      commands: (text) =>
        readAgentCommands(text).map(({ area, event, properties, data }) => ({
          name: `${area}.${event}${toType(properties)}`,
          message: data,
        })),
      findActing: (text) => [
        ...readAgentWarnings(text),
        ...readFormattedLines(text),
        ...readLines(text).filter((line) => /[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/.test(line)),
      ],
    };
  },
  annotation: { error: 'task.logissue.error', warning: 'task.logissue.warning', notice: undefined },
  warning: 'task.logissue.warning',
  failure: ['task.logissue.error', 'task.complete'],
  mask: 'task.setsecret',
});

function toType(properties: ReadonlyMap<string, string>): string {
  return properties.has('type') ? `.${properties.get('type')}` : '';
}

describe('annotations', () => {
  it('name the file in the workspace, which the agent makes relative, and the line', async () => {
    const { host, output, env } = await setUp();
    await host.annotate([{ level: 'error', title: 'a;b]c%', message: 'x%3B\ny', file: 'app/Dockerfile', line: 3 }], denied);
    const [command] = readAgentCommands(output());
    expect(command?.properties).toEqual(
      new Map([
        ['type', 'error'],
        ['sourcepath', join(env.BUILD_SOURCESDIRECTORY ?? '', 'app/Dockerfile')],
        ['linenumber', '3'],
        ['columnnumber', '1'],
        ['code', 'image-custody'],
      ]),
    );
    expect(command?.data).toBe('a;b]c%\nx%3B\ny');
  });
});

describe('outputs', () => {
  it.each(payloads)('carry %j and nothing else', async (payload) => {
    const { host, output } = await setUp();
    host.output('denied-by', payload);
    const commands = readAgentCommands(output());
    expect(commands).toEqual([
      {
        area: 'task',
        event: 'setvariable',
        properties: new Map([
          ['variable', 'deniedBy'],
          ['isoutput', 'true'],
        ]),
        data: payload,
      },
    ]);
  });
});

describe('secret outputs', () => {
  it.each(payloads.filter((payload) => payload !== ''))('are secret variables of this job alone, and carry %j', async (payload) => {
    const { host, output } = await setUp();
    host.output('SHOP_DB', new SecretValue(payload));
    const properties = new Map([
      ['variable', 'SHOP_DB'],
      ['issecret', 'true'],
    ]);
    expect(readAgentCommands(output())).toEqual([{ area: 'task', event: 'setvariable', properties, data: payload }]);
  });

  it('have one line, unless the pipeline lets them have more', async () => {
    const { host, again } = await setUp();
    expect(host.secretOutputs).toBe('single-line');
    expect(again({ env: { SYSTEM_UNSAFEALLOWMULTILINESECRET: 'True' } }).host.secretOutputs).toBe('any');
  });
});

describe('secrets', () => {
  it('are masked by the agent whatever they hold', async () => {
    const { host, output } = await setUp();
    host.mask(new SecretValue('p%AZP25;]ss\r\nsecond line'));
    const commands = readAgentCommands(output());
    expect(new Set(commands.map(({ event }) => event))).toEqual(new Set(['setsecret']));
    // The agent derives no base64 by itself.
    const base64 = Buffer.from('p%AZP25;]ss\r\nsecond line').toString('base64');
    const forms = ['p%AZP25;]ss', 'second line', base64, 'p%25AZP25%3b%5dss', 'p%AZP25;]ss\\r\\nsecond line'];
    expect(commands.map(({ data }) => data)).toEqual(expect.arrayContaining(forms));
    expect(commands.map(({ data }) => data)).toContain('p%AZP25AZP25%3B%5Dss');
  });

  it('are not seen where the agent shows a command that it could not carry out', async () => {
    const { host, output } = await setUp();
    const secret = new SecretValue('p%AZP25;]ss\nsecond;line');
    host.mask(secret);
    const masks = readAgentCommands(output()).map(({ data }) => data);
    const before = output().length;
    host.output('READ_ONLY', secret);
    const failed = `Unable to process command '${output().slice(before).trimEnd()}' successfully.`;
    expect(maskAsAgent(failed, masks)).toContain("isSecret=true;]***%0A***'");
  });
});

describe('summary', () => {
  it('is a file of its own in the folder that the agent empties', async () => {
    const { host, output, temporaryFolder } = await setUp();
    await host.summarise('# Report');
    await host.summarise('# Second');
    const files = readAgentCommands(output()).map(({ event, data }) => (event === 'uploadsummary' ? data : ''));
    expect(files.map((file) => [file.startsWith(temporaryFolder), basename(file), readFileSync(file, 'utf8')])).toEqual([
      [true, 'Image Custody.md', '# Report'],
      [true, 'Image Custody.md', '# Second'],
    ]);
  });

  it('is a warning, and no failed task, where it cannot be written', async () => {
    const { again } = await setUp();
    const { host, output } = again({ env: { AGENT_TEMPDIRECTORY: '/dev/null' } });
    await host.summarise('# Report');
    expect(readAgentCommands(output()).map(({ event, data }) => [event, data])).toEqual([
      ['logissue', 'Cannot write the summary: ENOTDIR.'],
    ]);
  });
});

describe('thread on the pull request', () => {
  it('is made once, updated, and closed when the image passes', async () => {
    const { azureDevops, host, again } = await setUp();
    await host.comment('first', denied);
    expect(azureDevops.threads).toMatchObject([{ status: 'active', comments: [{ content: 'first' }] }]);
    await again().host.comment('second', passed);
    expect(azureDevops.threads).toMatchObject([{ status: 'closed', comments: [{ content: 'second' }] }]);
    await again().host.comment('third', denied);
    expect(azureDevops.threads).toMatchObject([{ status: 'active', comments: [{ content: 'third' }] }]);
  });

  it('is one for each image', async () => {
    const { azureDevops, host, again } = await setUp();
    await host.comment('shop', denied);
    await again({ subject: 'api' }).host.comment('api', denied);
    expect(azureDevops.threads).toHaveLength(2);
  });

  it("takes over nobody else's, even where it has the property", async () => {
    const { azureDevops, host, again } = await setUp();
    await again({ env: { ENDPOINT_AUTH_PARAMETER_SYSTEMVSSCONNECTION_ACCESSTOKEN: 'stranger' } }).host.comment('spoofed', denied);
    await host.comment('first', denied);
    await again().host.comment('second', denied);
    expect(azureDevops.threads.map(({ comments }) => comments[0]?.content)).toEqual(['spoofed', 'second']);
  });

  it('names the identity and the permission where it is refused', async () => {
    const { host, output, azureDevops } = await setUp({}, 'reader');
    await host.comment('x', denied);
    expect(azureDevops.threads).toEqual([]);
    expect(readAgentCommands(output()).map(({ data }) => data)).toEqual([
      expect.stringMatching(
        /^Cannot comment on the pull request \(403 TF401027.*"Fabrikam Fiber Build Service".*needs the permission "Contribute to pull requests"/,
      ),
    ]);
  });

  it('is not made for repositories elsewhere, nor outside a pull request', async () => {
    const { again, azureDevops } = await setUp();
    const elsewhere = again({ env: { BUILD_REPOSITORY_PROVIDER: 'GitHub' } });
    await elsewhere.host.comment('x', denied);
    expect(elsewhere.output()).toContain('its repository is in GitHub, not in Azure Repos');
    const push = again({ env: { SYSTEM_PULLREQUEST_PULLREQUESTID: undefined, BUILD_REASON: 'IndividualCI' } });
    await push.host.comment('x', denied);
    expect([push.output(), azureDevops.requests.length]).toEqual(['', 0]);
  });

  it('is cut at 150,000 characters', async () => {
    const { host, azureDevops } = await setUp();
    await host.comment('x'.repeat(200_000), denied);
    expect(azureDevops.threads[0]?.comments[0]?.content.length).toBe(150_000);
  });

  it('is a warning, and no more, where the service does not answer', async () => {
    const { host, output, azureDevops } = await setUp();
    await azureDevops.close();
    await host.comment('x', denied);
    expect(readAgentCommands(output()).map(({ event, data }) => [event, data.slice(0, 40)])).toEqual([
      ['logissue', 'Cannot comment on the pull request: GET '],
    ]);
  });
});

describe('fail', () => {
  it('is one issue with its hint, and the result of the task', async () => {
    const { host, output } = await setUp();
    host.fail(new StepError({ code: 'x', origin: 'input', message: 'Cannot read', hint: 'Do this.' }));
    expect(readAgentCommands(output()).map(({ event, properties, data }) => [event, properties.get('result'), data])).toEqual([
      ['logissue', undefined, 'Cannot read\nDo this.'],
      ['complete', 'Failed', 'Cannot read'],
    ]);
  });
});
