// Checks openapi.yaml beyond what makes it valid: what readers of the API docs and generated
// clients rely on. Prints every problem; exits with 1 if there is any.
import { createConfig, formatProblems, getTotals, lint } from '@redocly/openapi-core';

const problems = await lint({
  ref: '../openapi.yaml',
  config: await createConfig({
    extends: ['recommended-strict'],
    rules: {
      // Of those that take nothing, nothing can be asked wrongly.
      'operation-4xx-response': 'off',
      'rule/parameters-can-be-wrong': {
        subject: { type: 'Responses' },
        where: [
          {
            subject: { type: 'Operation', property: 'parameters' },
            assertions: { defined: true },
          },
        ],
        assertions: { requireAny: ['400', '404'] },
        message: 'An operation with parameters must say what happens when they are wrong.',
      },
      'no-http-verbs-in-paths': 'error',
      'no-invalid-media-type-examples': 'error',
      'no-invalid-parameter-examples': 'error',
      'no-invalid-schema-examples': 'error',
      'no-required-schema-properties-undefined': 'error',
      'operation-4xx-problem-details-rfc7807': 'error',
      'operation-description': 'error',
      'operation-singular-tag': 'error',
      'operation-tag-defined': 'error',
      'parameter-description': 'error',
      'path-params-defined': 'error',
      'paths-kebab-case': 'error',
      // What everybody may read has no security: nothing to define there.
      'security-defined': 'off',
    },
  }),
});
formatProblems(problems, { format: 'stylish', totals: getTotals(problems) });
process.exitCode = problems.length > 0 ? 1 : 0;
