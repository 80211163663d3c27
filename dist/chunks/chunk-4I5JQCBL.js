import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);
function t(n){let e=URL.canParse(n)?new URL(n):void 0,r=e?.protocol==="https:"||e?.protocol==="http:"&&/^(?:localhost|127\.0\.0\.1|\[::1\])$/.test(e.hostname);if(!(e===void 0||!r||e.username!==""||e.search!==""||e.hash!==""))return e.href.replace(/\/+$/,"")}export{t as a};
