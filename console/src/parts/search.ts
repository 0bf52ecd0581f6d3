/** What a table keeps in the address; a route with a table validates its search by this. */
export interface ListSearch {
  find?: string;
  sort?: string;
}

export const listSearch = (s: Record<string, unknown>): ListSearch => ({
  find: s.find ? String(s.find) : undefined,
  sort: s.sort ? String(s.sort) : undefined,
});
