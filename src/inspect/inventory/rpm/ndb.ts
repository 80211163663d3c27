import type { HeaderBlobs } from './header-blobs.ts';

/**
 * Layout of rpm's own database (https://github.com/rpm-software-management/rpm/blob/rpm-4.20.1-release/lib/backend/ndb/rpmpkg.c): a header, pages of
 * slots of which each names the block of a package, and the blocks. All integers are little-endian, all places multiples of 16 bytes.
 */
const magic = 'RpmP';
const slotMagic = 'Slot';
const blobMagic = 'BlbS';
const blobEndMagic = 'BlbE';
const headerBytes = 32;
const slotBytes = 16;
const slotPageBytes = 4096;
const blockBytes = 16;
const blobHeadBytes = 16;
const blobTailBytes = 12;

export function isNdb(content: Buffer): boolean {
  return content.toString('latin1', 0, 4) === magic;
}

/** The package headers of an rpm database of the format NDB. */
export function readNdb(content: Buffer): HeaderBlobs {
  const slotsEnd = content.length < headerBytes ? 0 : content.readUInt32LE(12) * slotPageBytes;
  if (slotsEnd === 0 || content.readUInt32LE(4) !== 0) throw new Error('its header is damaged');
  const damage: string[] = [];
  if (slotsEnd > content.length) damage.push('it is cut off');
  const places: Place[] = [];
  for (let at = headerBytes; at + slotBytes <= Math.min(slotsEnd, content.length); at += slotBytes) {
    if (content.toString('latin1', at, at + 4) !== slotMagic) damage.push(`the slot at byte ${at} is damaged`);
    else if (content.readUInt32LE(at + 4) !== 0) places.push(toPlace(content, at));
  }
  const blobs: Buffer[] = [];
  let end = slotsEnd;
  for (const place of places.sort((a, b) => a.start - b.start)) {
    const blob = place.start < end ? undefined : toBlob(content, place);
    if (blob === undefined) {
      damage.push(`the block of package ${place.number} is damaged`);
      continue;
    }
    if (hasBlob(content, end, place.start)) damage.push(`no slot leads to a package before byte ${place.start}`);
    blobs.push(blob);
    end = place.end;
  }
  if (hasBlob(content, end, content.length)) damage.push('no slot leads to a package at its end');
  return { blobs, damage };
}

interface Place {
  readonly number: number;
  readonly start: number;
  readonly end: number;
}

function toPlace(content: Buffer, slot: number): Place {
  const start = content.readUInt32LE(slot + 8) * blockBytes;
  return { number: content.readUInt32LE(slot + 4), start, end: start + content.readUInt32LE(slot + 12) * blockBytes };
}

function toBlob(content: Buffer, { number, start, end }: Place): Buffer | undefined {
  if (end > content.length || end - start < blobHeadBytes + blobTailBytes) return undefined;
  const length = content.readUInt32LE(start + 12);
  const isWhole =
    content.toString('latin1', start, start + 4) === blobMagic &&
    content.readUInt32LE(start + 4) === number &&
    Math.ceil((blobHeadBytes + length + blobTailBytes) / blockBytes) * blockBytes === end - start &&
    content.toString('latin1', end - 4, end) === blobEndMagic;
  return isWhole ? content.subarray(start + blobHeadBytes, start + blobHeadBytes + length) : undefined;
}

/** A block that is given up is zeroed, so a package that no slot names is one that was lost. */
function hasBlob(content: Buffer, start: number, end: number): boolean {
  for (let at = content.indexOf(blobMagic, start, 'latin1'); at !== -1 && at < end; at = content.indexOf(blobMagic, at + 1, 'latin1')) {
    if (at % blockBytes === 0) return true;
  }
  return false;
}
