import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);
function s(e,n){let{init:t,deflate:o}=new WebAssembly.Instance(e,{env:{memory:n}}).exports;return t(),({input:r,blockBytes:b,dictionaryBytes:a,output:l,last:u})=>o(r,b,a,l,u)}export{s as a};
