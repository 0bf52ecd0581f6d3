// What a table does with its rows, apart from drawing them.

export type Cell = string | number | null | undefined;

export interface Columned<R> {
  /** Names the column in the address and in the file. */
  key: string;
  title: string;
  /** What is sorted by, searched in and exported. */
  value: (row: R) => Cell;
}

/** The rows in which a cell holds the text. */
export function found<R>(rows: R[], columns: Columned<R>[], text: string): R[] {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return rows;
  return rows.filter((r) =>
    columns.some((c) =>
      String(c.value(r) ?? '')
        .toLowerCase()
        .includes(wanted),
    ),
  );
}

/** The rows by a column: "size" from the smallest, "-size" from the largest; what is missing comes last. */
export function sorted<R>(rows: R[], columns: Columned<R>[], by: string): R[] {
  const down = by.startsWith('-');
  const column = columns.find((c) => c.key === by.replace(/^-/, ''));
  if (!column) return rows;
  return [...rows].sort((a, b) => {
    const [x, y] = [column.value(a), column.value(b)];
    if (x == null || y == null) return Number(x == null) - Number(y == null);
    const order = typeof x === 'number' && typeof y === 'number' ? x - y : String(x).localeCompare(String(y));
    return down ? -order : order;
  });
}

const plain = /^-?\d+(\.\d+)?$/;

/** A cell of a CSV file; what a spreadsheet would take for a formula is made text. */
function cell(v: Cell): string {
  let text = v == null ? '' : String(v);
  if (/^[=+\-@\t\r]/.test(text) && !plain.test(text)) text = `'${text}`;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function csv<R>(rows: R[], columns: Columned<R>[]): string {
  const lines = [columns.map((c) => cell(c.key)), ...rows.map((r) => columns.map((c) => cell(c.value(r))))];
  return lines.map((l) => `${l.join(',')}\r\n`).join('');
}

/** Hands a file to the browser. */
export function download(name: string, content: string | Blob, type = 'text/csv') {
  const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

/** Round numbers from 0 to what a scale up to the value needs: 0, 20, 40, 60 for 47. */
export function ticks(most: number, wanted = 3): number[] {
  if (!(most > 0)) return [0, 1];
  const rough = most / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((s) => s * power >= rough) ?? 10);
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, i) => Number((i * step).toPrecision(12)));
}

/** A scale that holds the values and 0: its marks, and where a value stands in it, in percent from the bottom. */
export function scale(values: number[]) {
  const [most, least] = [Math.max(...values, 0), Math.min(...values, 0)];
  const step = ticks(Math.max(most, -least))[1];
  const bottom = Math.floor(least / step);
  const top = Math.ceil(most / step) || (bottom < 0 ? 0 : 1);
  return {
    marks: Array.from({ length: top - bottom + 1 }, (_, i) => Number(((bottom + i) * step).toPrecision(12))),
    at: (v: number) => ((v / step - bottom) / (top - bottom)) * 100,
  };
}
