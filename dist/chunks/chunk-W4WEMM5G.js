import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);
import{a as e}from"./chunk-JDBVFNLY.js";function a(o,n,d,r){return new e({code:o,origin:"advisories",message:n,hint:d,...r===void 0?{}:{cause:r}})}export{a};
