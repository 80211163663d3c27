import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);
import{a}from"./chunk-IH4LT2Q7.js";import"./chunk-TPAD6NP3.js";import"./chunk-NFXGK3JL.js";import"./chunk-CICYZDSK.js";import"./chunk-BZ3F6REF.js";import"./chunk-JDBVFNLY.js";import"./chunk-CD7BRZSB.js";export{a as parseTrustedRoot};
