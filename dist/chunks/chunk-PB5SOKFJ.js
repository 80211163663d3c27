import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);
function r(e,t,i){return e.kind==="deny"?1:e.kind==="undecided"||t&&i===void 0?3:0}function o(e){return e.origin==="input"||e.origin==="policy"?2:3}export{r as a,o as b};
