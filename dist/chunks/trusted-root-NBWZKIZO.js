import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);
import{a}from"./chunk-7C3URTVC.js";import"./chunk-TPAD6NP3.js";import"./chunk-NFXGK3JL.js";import"./chunk-HFLVK6YB.js";import"./chunk-V3GFX2SA.js";import"./chunk-JDBVFNLY.js";import"./chunk-CD7BRZSB.js";export{a as parseTrustedRoot};
