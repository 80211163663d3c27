import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { toJson } from '../../src/report/json.ts';
import { payloads } from './payloads.ts';
import { deniedReport, hostileReport, passedReport } from './report-fixture.ts';

const schema = JSON.parse(readFileSync(new URL('../../src/report/report.schema.json', import.meta.url), 'utf8'));
const ajv = new Ajv2020({ allowUnionTypes: true, strict: true, strictRequired: false });
addFormats.default(ajv);
const validate = ajv.compile(schema);

describe('JSON report', () => {
  it('is stable', async () => {
    await expect(toJson(deniedReport())).toMatchFileSnapshot('../golden/report.golden.json');
  });

  it.each([deniedReport(), passedReport(), ...payloads.map(hostileReport)])('keeps to its schema', (report) => {
    validate(JSON.parse(toJson(report)));
    expect(validate.errors).toBeNull();
  });

  it('gives the texts of the image as they are', () => {
    expect(JSON.parse(toJson(hostileReport('##[error]\r\n\u202e'))).image).toBe('##[error]\r\n\u202e');
  });

  it('leaves build arguments out of the instructions', () => {
    const json = toJson(deniedReport());
    expect(json).not.toContain('hunter2');
    expect(JSON.parse(json).platforms[0].layers[0].instruction).toBe('RUN make');
  });
});
