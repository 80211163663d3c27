import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);
function u(t,n,e){return t.kind==="deny"?1:t.kind==="undecided"||n&&e===void 0?3:0}function s(t){return t.origin==="input"||t.origin==="policy"?2:3}var i=/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;function r(t){return t.replace(i,p)}function c(t){return t.split(`
`).map(r).join(`
`)}function f(t,n){if(t.length<=n)return t;if(n<1)return"";let e=t.slice(0,n-1);return`${/[\uD800-\uDBFF]$/.test(e)?e.slice(0,-1):e}\u2026`}var o={"\n":"\\n","\r":"\\r","	":"\\t"};function p(t){return o[t]??`\\u{${(t.codePointAt(0)??0).toString(16)}}`}export{r as a,c as b,f as c,u as d,s as e};
