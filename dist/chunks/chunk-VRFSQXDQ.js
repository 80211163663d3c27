import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);
function o(n,r,e=", "){let i=n.length>r?` and ${n.length-r} more`:"";return`${n.slice(0,r).join(e)}${i}`}export{o as a};
