import { useMemo } from 'react';
import { useLanguage } from '../settings';
import { kept } from '../words';
import type { Words } from './options';
import { times } from './question';
import { words } from './words';

const currency = /^[A-Z]{3}$/;

/** Values of answers as people read them: money, shares, spans of time, months. */
export function useFormat(): Words {
  const { language, say, percent, month } = useLanguage(words);
  return useMemo(() => {
    const plain = kept(() => new Intl.NumberFormat(language, { maximumFractionDigits: 2 }));
    const whole = kept(() => new Intl.NumberFormat(language, { maximumFractionDigits: 0 }));
    const cents = kept(() => new Intl.NumberFormat(language, { minimumFractionDigits: 2, maximumFractionDigits: 2 }));
    const share = kept(
      () => new Intl.NumberFormat(language, { style: 'percent', minimumFractionDigits: 1, maximumFractionDigits: 1 }),
    );
    const spans = { second: 1, minute: 60, hour: 3600, day: 86_400 } as const;
    const lasting = (seconds: number) => {
      const unit = seconds < 120 ? 'second' : seconds < 7200 ? 'minute' : seconds < 172_800 ? 'hour' : 'day';
      return new Intl.NumberFormat(language, { style: 'unit', unit, maximumFractionDigits: 1 }).format(
        seconds / spans[unit],
      );
    };
    const format = (v: unknown, unit?: string): string => {
      if (v === null || v === undefined || v === '') return '–';
      if (typeof v !== 'number') return String(v);
      if (unit === 'percent') return share().format(v / 100);
      if (unit === 'seconds') return lasting(v);
      if (unit === 'days') return lasting(v * 86_400);
      if (unit && currency.test(unit)) return `${(Math.abs(v) < 100 && v !== 0 ? cents : whole)().format(v)} ${unit}`;
      return plain().format(v);
    };
    const day = kept(() => new Intl.DateTimeFormat(language, { day: 'numeric', month: 'short', timeZone: 'UTC' }));
    const dimension = (v: unknown, column: string): string => {
      if (v === null || v === undefined) return column.startsWith('step_') ? say('end') : say('unknown');
      const t = typeof v === 'string' && /^\d{4}-\d\d-\d\d/.test(v) ? v.slice(0, 10) : undefined;
      if (t && ['month', 'cohort', 'quarter'].includes(column)) return month(t);
      if (t && ['day', 'week'].includes(column)) return day().format(new Date(t));
      if (t && times.includes(column)) return String(v);
      if (column === 'segment') return say(`seg_${v}` as 'seg_lost');
      if (column === 'leak') return say(`leak_${v}` as 'leak_carts');
      return String(v);
    };
    /** What stands above a column. */
    const head = (column: string) =>
      `col_${column}` in words.en ? say(`col_${column}` as 'col_people') : column.replaceAll('_', ' ');
    return { format, percent, dimension, head, say: (x) => say(x as 'about') };
  }, [language, say, percent, month]);
}
