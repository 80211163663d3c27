import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);
import{e as a}from"./chunk-FQ4HMZTW.js";import"./chunk-CD7BRZSB.js";export default a();
