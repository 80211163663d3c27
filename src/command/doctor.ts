import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Host } from '../host/host.ts';
import type { DoctorSettings } from '../inputs/settings.ts';
import type { OutputName } from '../inputs/table.ts';
import type { Check, CheckResult, Examination } from '../model/check.ts';
import { toExaminationJson, toExaminationLines, toExaminationMarkdown, toExaminationTable } from '../report/examination.ts';
import { throwIfCancelled } from './cancellation.ts';
import { advisoriesCheck } from './doctor/advisories.ts';
import { type Case, openCase } from './doctor/case.ts';
import { examine } from './doctor/examine.ts';
import { hostChecks } from './doctor/host.ts';
import { identityCheck } from './doctor/identity.ts';
import { imageCheck } from './doctor/image.ts';
import { networkChecks } from './doctor/network.ts';
import { nodeCheck } from './doctor/node-version.ts';
import { policyCheck } from './doctor/policy.ts';
import { repositoryChecks } from './doctor/repositories.ts';
import { secretChecks } from './doctor/secrets.ts';
import { signingChecks } from './doctor/signing.ts';
import type { ExitCode } from './exit-code.ts';
import { probeReport, reportPath } from './reporting.ts';
import type { World } from './world.ts';

/**
 * Looks one by one at everything that `secure` would need with the same inputs, with the code that it would use. Nothing is published or written but
 * the report. 0 where nothing is wrong, 2 where only inputs are, else 3.
 */
export async function doctor(settings: DoctorSettings, host: Host, world: World): Promise<ExitCode> {
  await probeReport(settings, host);
  const [startedAt, beganMs] = [world.now(), world.elapsedMs()];
  const results: CheckResult[] = [];
  const exitCodes: ExitCode[] = [];
  for await (const { result, exitCode } of examine(listChecks(openCase(settings, host, world)))) {
    throwIfCancelled(world);
    results.push(result);
    exitCodes.push(exitCode);
    // A shell gets the table alone, which says the same.
    if (host.kind !== 'shell') for (const line of toExaminationLines(result)) host.log('info', line);
  }
  throwIfCancelled(world);
  const isSound = exitCodes.every((code) => code === 0);
  const durationMs = Math.round(world.elapsedMs() - beganMs);
  await tell({ results, isSound, startedAt: startedAt.toISOString(), durationMs, version: world.version }, settings, host);
  if (isSound) return 0;
  // What was skipped asks for 3, and is there only because something else is wrong.
  return exitCodes.every((code, index) => code !== 3 || results[index]?.state === 'skipped') ? 2 : 3;
}

function listChecks(given: Case): readonly Check[] {
  return [
    nodeCheck(given.world),
    policyCheck(given),
    ...networkChecks(given),
    ...identityCheck(given),
    ...secretChecks(given),
    ...signingChecks(given),
    ...repositoryChecks(given),
    ...imageCheck(given),
    advisoriesCheck(given),
    ...hostChecks(given),
  ];
}

async function tell(examination: Examination, settings: DoctorSettings, host: Host): Promise<void> {
  const { summaryFormat } = host;
  if (settings.summary || host.kind === 'shell') {
    await host.summarise(
      summaryFormat.kind === 'table' ? toExaminationTable(examination, summaryFormat.colour) : toExaminationMarkdown(examination),
    );
  }
  if (host.kind === 'shell' && settings.report === undefined) return;
  const path = reportPath(settings, host);
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, toExaminationJson(examination));
    host.output('report' satisfies OutputName, path);
  } catch (error) {
    host.log('warning', `Cannot write the report to ${JSON.stringify(path)}: ${(error as NodeJS.ErrnoException).code ?? 'unknown error'}.`);
  }
}
