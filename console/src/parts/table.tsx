import { Box, Button, Group, Paper, Text, TextInput } from '@mantine/core';
import { IconArrowDown, IconArrowUp, IconDownload, IconSearch } from '@tabler/icons-react';
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useLanguage } from '../settings';
import { type Columned, csv, download, found, sorted } from './rows';
import type { ListSearch } from './search';

export interface Column<R> extends Columned<R> {
  /** How it is shown; numbers as the language writes them when left out. */
  show?: (row: R) => ReactNode;
  align?: 'start' | 'end';
  /** Kept on one line. */
  nowrap?: boolean;
  /** Hidden on windows narrower than this. */
  from?: 'xs' | 'sm' | 'md' | 'lg';
}

interface DataTableProps<R> {
  rows: R[];
  columns: Column<R>[];
  id: (row: R) => string;
  /** What the table shows, for those who cannot see it; also the name of the file. */
  label: string;
  /** "size" or "-size" where the address says nothing. */
  sort?: string;
  /** Without the box to find and the download. */
  bare?: boolean;
  /** Where there is more than was loaded. */
  more?: { load: () => void; loading: boolean } | false;
  actions?: ReactNode;
}

/** Rows that can be sorted, searched and exported; how they are sorted and searched stands in the address. */
export function DataTable<R>(props: DataTableProps<R>) {
  const { say } = useLanguage();
  const navigate = useNavigate();
  const search = useSearch({ strict: false }) as ListSearch;
  const [find, sort] = [props.bare ? '' : (search.find ?? ''), search.sort ?? props.sort ?? ''];
  const set = (change: ListSearch) =>
    void navigate({ to: '.', search: (s: object) => ({ ...s, ...change }), replace: true } as never);
  const rows = sorted(found(props.rows, props.columns, find), props.columns, sort);
  return (
    <Paper withBorder={!props.bare} style={{ overflow: 'hidden' }}>
      {!props.bare && (
        <Group p="xs" gap="xs">
          <TextInput
            type="search"
            size="xs"
            aria-label={say('find')}
            placeholder={say('find')}
            leftSection={<IconSearch size={14} aria-hidden />}
            value={find}
            onChange={(e) => set({ find: e.currentTarget.value || undefined })}
            style={{ flex: '1 1 180px' }}
            maw={320}
          />
          <Box flex={1} />
          {props.actions}
          <Button
            size="xs"
            variant="default"
            title={say('csvHelp')}
            leftSection={<IconDownload size={14} aria-hidden />}
            onClick={() => download(`${props.label}.csv`, csv(rows, props.columns))}
          >
            {say('csv')}
          </Button>
        </Group>
      )}
      <div className="scroll">
        <table className="table" data-loose data-hover data-narrow={props.bare || undefined} aria-label={props.label}>
          <Head columns={props.columns} sort={sort} set={(s) => set({ sort: s })} />
          <tbody>
            {rows.map((r) => (
              <tr key={props.id(r)}>
                {props.columns.map((c) => (
                  <td
                    key={c.key}
                    data-end={c.align === 'end' || undefined}
                    className={c.from && `mantine-visible-from-${c.from}`}
                    style={c.nowrap ? { whiteSpace: 'nowrap' } : undefined}
                  >
                    <Shown row={r} column={c} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rows.length === 0 && find && (
        <Text size="sm" p="md" role="status">
          {say('foundNothing', { find })}
        </Text>
      )}
      {props.more && (
        <Box p="xs">
          <Button size="xs" variant="default" loading={props.more.loading} onClick={props.more.load}>
            {say('more')}
          </Button>
        </Box>
      )}
    </Paper>
  );
}

function Shown<R>({ row, column }: { row: R; column: Column<R> }) {
  const { value } = useLanguage();
  if (column.show) return column.show(row);
  const v = column.value(row);
  return v == null ? '–' : value(v);
}

function Head<R>({ columns, sort, set }: { columns: Column<R>[]; sort: string; set: (sort: string) => void }) {
  const { say } = useLanguage();
  return (
    <thead>
      <tr>
        {columns.map((c) => {
          const [up, down] = [sort === c.key, sort === `-${c.key}`];
          const Arrow = up ? IconArrowUp : IconArrowDown;
          return (
            <th
              key={c.key}
              data-end={c.align === 'end' || undefined}
              className={c.from && `mantine-visible-from-${c.from}`}
              aria-sort={up ? 'ascending' : down ? 'descending' : undefined}
            >
              <button
                type="button"
                title={say('sortBy', { column: c.title })}
                onClick={() => set(down || (!up && c.align !== 'end') ? c.key : `-${c.key}`)}
              >
                {c.title} {(up || down) && <Arrow size={12} aria-hidden style={{ verticalAlign: 'middle' }} />}
              </button>
            </th>
          );
        })}
      </tr>
    </thead>
  );
}
