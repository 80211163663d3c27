import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);
function e(t){return t.toISOString().replace(/\.\d+Z$/,"Z")}export{e as a};
