/** What Node has and neither its types nor TypeScript's ECMAScript library declare: https://webassembly.github.io/spec/js-api/ and the threads proposal. */
declare namespace WebAssembly {
  var Module: new (bytes: Uint8Array) => Module;
  var Memory: new (descriptor: { readonly initial: number; readonly maximum: number; readonly shared: true }) => Memory;
  var Instance: new (module: Module, imports: { readonly env: { readonly memory: Memory } }) => { readonly exports: unknown };

  interface Memory {
    readonly buffer: SharedArrayBuffer;
  }
}
