import type { Schema } from '../api';

type Rule = Schema<'NamespaceRule'>;

/**
 * The rules of identity that are other than before, as the configuration has them. Each is whole: one that the
 * configuration has of that name is replaced by it.
 */
export function rulesText(before: Record<string, Rule>, then: Record<string, Rule>): string {
  const changed = Object.keys(then)
    .filter((ns) => JSON.stringify(then[ns]) !== JSON.stringify(before[ns]))
    .sort();
  const lines = changed.map((ns) => {
    const { priority, limit, unique, generic, blocked } = then[ns];
    const parts = [
      `priority: ${priority}`,
      unique ? 'unique: true' : `limit: ${limit}`,
      generic ? `generic: ${generic}` : '',
      blocked?.length ? `blocked: [${blocked.map((b) => JSON.stringify(b)).join(', ')}]` : '',
    ];
    return `    ${/^[a-z_][a-z0-9_]*$/.test(ns) ? ns : JSON.stringify(ns)}: {${parts.filter(Boolean).join(', ')}}`;
  });
  return ['identity:', '  namespaces:', ...lines].join('\n');
}
