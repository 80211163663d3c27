import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);
var e=class extends Error{code;origin;hint;constructor(r){super(r.message,r.cause===void 0?void 0:{cause:r.cause}),this.name="StepError",this.code=r.code,this.origin=r.origin,this.hint=r.hint}};export{e as a};
