import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);
var r=/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;function e(n){return n.replace(r,o)}function u(n){return n.split(`
`).map(e).join(`
`)}function p(n,t){if(n.length<=t)return n;if(t<1)return"";let i=n.slice(0,t-1);return`${/[\uD800-\uDBFF]$/.test(i)?i.slice(0,-1):i}\u2026`}var s={"\n":"\\n","\r":"\\r","	":"\\t"};function o(n){return s[n]??`\\u{${(n.codePointAt(0)??0).toString(16)}}`}export{e as a,u as b,p as c};
