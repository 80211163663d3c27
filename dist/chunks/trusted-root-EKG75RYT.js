import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);
import{a}from"./chunk-MMSQWZMH.js";import"./chunk-TPAD6NP3.js";import"./chunk-NFXGK3JL.js";import"./chunk-HFLVK6YB.js";import"./chunk-HADQNBUW.js";import"./chunk-JDBVFNLY.js";import"./chunk-CD7BRZSB.js";export{a as parseTrustedRoot};
