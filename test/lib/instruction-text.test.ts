import { describe, expect, it } from 'vitest';
import { parseInstruction, toInstructionText } from '../../src/lib/instruction-text.ts';

function show(createdBy: string): string | undefined {
  const instruction = parseInstruction(createdBy);
  return instruction === undefined ? undefined : toInstructionText(instruction.keyword, instruction.rest);
}

describe('instruction of a history entry', () => {
  it.each([
    ['/bin/sh -c #(nop)  CMD ["bash"]', 'CMD ["bash"]'],
    ['/bin/sh -c #(nop) COPY file:aa in /x ', 'COPY file:aa in /x'],
    ['|1 A=b /bin/sh -c #(nop) COPY dir:aa in /x ', 'COPY dir:aa in /x'],
    ['/bin/sh -c apt-get update', 'RUN apt-get update'],
    ['|2 A=b C=d e /bin/sh -c make', 'RUN make'],
    ['RUN /bin/sh -c make # buildkit', 'RUN make'],
    ['RUN |1 A=b /bin/bash -o pipefail -c a | b # buildkit', 'RUN a | b'],
    ['RUN |1 A=b /usr/bin/make all # buildkit', 'RUN /usr/bin/make all'],
    ['RUN apk add curl', 'RUN apk add curl'],
    ['cmd /S /C dir', 'RUN dir'],
    ['WORKDIR /app', 'WORKDIR /app'],
    ['COPY a b # buildkit', 'COPY a b'],
    ['', undefined],
    ['bazel build', undefined],
    ['COPYRIGHT x', undefined],
  ])('%s is %s', (createdBy, expected) => {
    expect(show(createdBy)).toBe(expected);
  });

  it.each([
    ['ENV API_TOKEN=canary-1 B="canary 2"', 'ENV API_TOKEN=… B=…'],
    ['ENV OLD canary of old', 'ENV OLD …'],
    ['ARG PASSWORD=canary', 'ARG PASSWORD=…'],
    ['LABEL a.b/c=canary', 'LABEL a.b/c=…'],
    ['ENV KEY=-----BEGIN KEY----- MIIEcanary canaryXyz== -----END KEY----- NEXT=1', 'ENV KEY=… NEXT=…'],
    ['LABEL maintainer="a b" org.x.y="canary=1"', 'LABEL maintainer=… org.x.y=…'],
    ['ENV "=canary', 'ENV …'],
    ['RUN |1 TOKEN=canary with blanks /bin/sh -c make # buildkit', 'RUN make'],
    ['RUN curl -H "Authorization: Bearer canary.x" https://x', 'RUN curl -H "Authorization: Bearer …" https://x'],
    ['RUN git clone https://me:canary@example.com/x.git', 'RUN git clone https://…@example.com/x.git'],
    ['RUN export DB_PASSWORD=canary && make', 'RUN export DB_PASSWORD=… && make'],
    ['RUN login --password canary', 'RUN login --password …'],
    ['RUN echo ghp_0123456789abcdefghijABCDEFGHIJ012345', 'RUN echo …'],
    ['RUN x AKIAIOSFODNN7EXAMPLE y', 'RUN x … y'],
    ['RUN x wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY', 'RUN x …'],
  ])('%s shows no secret: %s', (createdBy, expected) => {
    expect(show(createdBy)).toBe(expected);
  });

  it.each([
    'RUN apt-get install -y --no-install-recommends ca-certificates=20230311 libssl3=3.0.11-1~deb12u2',
    'RUN curl -fsSL https://nodejs.org/dist/v20.11.1/node-v20.11.1-linux-x64.tar.xz | tar -xJ -C /usr/local',
    'RUN pip install --no-cache-dir Django==3.2.0 && python -m compileall /usr/lib/python3/dist-packages',
  ])('leaves %s readable', (createdBy) => {
    expect(show(createdBy)).toBe(createdBy);
  });

  it('comes to an end with hostile entries', () => {
    for (const part of ['/bin/sh -c ', '-a ', '|1 A=', ' /S', '#(nop)', 'passwordtoken', 'a', 'A1a', ' -o pipefail', '/x', 'a b ']) {
      for (const head of ['', 'RUN ', '|99 ', 'ENV ', '/bin/sh ']) show(head + part.repeat(40_000));
    }
  });
});
