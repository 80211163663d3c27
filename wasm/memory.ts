/** Where the work area of a memory has what, in bytes from its start. Behind `workAreaBytes` lies what the caller puts there. */

/** Most matches of one block. */
export const sequenceLimit: usize = 16384;

export const hashAt: usize = 1024;
export const sequencesAt: usize = hashAt + 32768;
export const frequenciesAt: usize = sequencesAt + (sequenceLimit + 1) * 8 + 8;
export const lengthsAt: usize = frequenciesAt + 4096;
export const codesAt: usize = lengthsAt + 1024;
export const sortAt: usize = codesAt + 4096;
export const runsAt: usize = sortAt + 4096;
export const lengthSymbolsAt: usize = runsAt + 2048;
export const lengthCodesAt: usize = lengthSymbolsAt + 2048;
export const distanceSymbolsAt: usize = lengthCodesAt + 2048;
export const workAreaBytes: usize = distanceSymbolsAt + 1024;
