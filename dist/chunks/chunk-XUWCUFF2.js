import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);
import{I as o,O as t,d as e,p as s}from"./chunk-ILS4KLN2.js";var n=t(o(),s(r=>({text:r,bytes:Buffer.from(r,"base64")})),e(({text:r,bytes:a})=>a.toString("base64")===r,"no base64"),s(({bytes:r})=>r));export{n as a};
