import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);
function e({summary:n,details:i}){return n??r(i)}function r(n){return n?.split(`
`).find(t=>t.trim()!==""&&!t.startsWith("#"))?.slice(0,1e3).split(/(?<=\.)\s/,1)[0]}export{e as a};
