const words =
  /(?:^|[^a-z])(?:dev|devel|develop|development|tests?|testing|docs?|documentation|lint|linting|typing|types|ci|examples?|bench(?:marks?)?)(?:[^a-z]|$)/i;

/** Whether a group of dependencies, or a file that lists some, is by its name for those who work on a program and not for the program. */
export function isForDevelopment(name: string): boolean {
  return words.test(name);
}
