import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);
var e=["sbom","provenance","scan","verdict"];export{e as a};
