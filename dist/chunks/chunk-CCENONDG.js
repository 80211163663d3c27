import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);
var r=["prime256v1","secp384r1","secp521r1"];function s({asymmetricKeyType:e,asymmetricKeyDetails:n}){return e==="rsa"&&(n?.modulusLength??0)>=2048||e==="ec"&&r.includes(n?.namedCurve)||e==="ed25519"}export{s as a};
