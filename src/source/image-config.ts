import { isDigest } from '../model/digest.ts';
import type { HistoryEntry, ImageConfig, Platform } from '../model/image.ts';
import { Document } from './document.ts';
import type { SourceFailure } from './source-error.ts';

/** More layers than any runtime stacks. */
const layerLimit = 1024;

/**
 * Reads an image configuration: https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md and Docker's, of which it is a subset.
 * A history that does not fit the layers is left out, so that no layer is put down to an instruction that did not make it.
 */
export function parseImageConfig(bytes: Uint8Array, what: string, fail: SourceFailure): ImageConfig {
  const document = new Document(what, fail);
  const root = document.fields(document.parse(bytes), 'it', ['architecture', 'os', 'variant', 'config', 'rootfs', 'history']);
  const rootfs = document.fields(root.rootfs, 'rootfs', ['type', 'diff_ids']);
  if (rootfs.type !== 'layers') {
    throw document.invalid('rootfs.type is not "layers"');
  }
  const diffIds = document.list(rootfs.diff_ids, 'rootfs.diff_ids', layerLimit).map((diffId) => {
    if (!isDigest(diffId)) {
      throw document.invalid('rootfs.diff_ids has an entry that is no sha256 digest');
    }
    return diffId;
  });
  const config = document.optionalFields(root.config, 'config', ['User', 'Env', 'Labels']);
  const history = document.list(root.history, 'history', 16 * layerLimit).map((entry) => toHistoryEntry(entry, document));
  const layersOfHistory = history.filter((entry) => !entry.emptyLayer).length;
  return {
    platform: toPlatform(root, document),
    diffIds,
    history: layersOfHistory === diffIds.length ? history : [],
    user: document.text(config.User, 'config.User'),
    env: document.texts(config.Env, 'config.Env', 65_536),
    labels: document.textMap(config.Labels, 'config.Labels'),
  };
}

/** The platform that fields of a document name. Docker takes an image that does not say it for one of Linux. */
export function toPlatform(root: Readonly<Record<string, unknown>>, document: Document): Platform {
  const variant = document.text(root.variant, 'variant');
  return {
    os: document.text(root.os, 'os') || 'linux',
    architecture: document.text(root.architecture, 'architecture') || 'unknown',
    ...(variant === '' ? {} : { variant }),
  };
}

function toHistoryEntry(value: unknown, document: Document): HistoryEntry {
  const entry = document.fields(value, 'an entry of history', ['created_by', 'empty_layer', 'comment']);
  if (entry.empty_layer !== undefined && entry.empty_layer !== null && typeof entry.empty_layer !== 'boolean') {
    throw document.invalid('empty_layer of history is neither true nor false');
  }
  const comment = document.text(entry.comment, 'comment of history');
  return {
    createdBy: document.text(entry.created_by, 'created_by of history'),
    ...(comment === '' ? {} : { comment }),
    emptyLayer: entry.empty_layer === true,
  };
}
