const vm = require("node:vm");

/**
 * Has a worker of jest compile each package's file once, not once for each test file that loads it. A compiled script
 * runs in any context, and what V8 has compiled of its functions so far comes with it: a thirteenth of the processor
 * time of all tests. jest compiles with `vm.compileFunction` for one context, and its callback for `import()` keeps
 * V8's own cache from knowing the file again.
 *
 * Source that says `import(` compiles as before: the callback belongs to one test file.
 */
exports.shareCompiledScripts = () => {
  const { compileFunction } = vm;
  /** Files of this worker by name, with the source that they had: a transformed file could have another. */
  const compiled = new Map();

  const compile = (source, parameters, filename) => {
    const known = compiled.get(filename);
    if (known?.source === source) return known.script;
    const head = `(function (${parameters.join(",")}) {`;
    const script = new vm.Script(`${head}${source}\n})`, { filename, columnOffset: -head.length });
    compiled.set(filename, { source, script });
    return script;
  };

  vm.compileFunction = (source, parameters, options) => {
    const context = options?.parsingContext;
    if (!context || /\bimport\s*\(/.test(source))
      return compileFunction(source, parameters, options);
    return compile(source, parameters, options.filename).runInContext(context);
  };
};
