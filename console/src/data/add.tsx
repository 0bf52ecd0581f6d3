import { Checkbox, Select, TagsInput, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api';
import { FormDialog } from '../parts/ask';
import { useLanguage } from '../settings';
import type { Source } from './snippets';
import { words } from './words';

interface AddSourceProps {
  opened: boolean;
  close: () => void;
  made: (s: Source) => void;
}

const kinds = ['browser', 'mobile', 'server', 'file'] as const;

/** A new source: a name, and who holds its key. */
export function AddSource({ opened, close, made }: AddSourceProps) {
  const { say } = useLanguage(words);
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const [kind, setKind] = useState<Source['kind']>('browser');
  const [origins, setOrigins] = useState<string[]>([]);
  const [verified, setVerified] = useState(false);
  const believed = kind === 'server' || kind === 'file';
  const add = useMutation({
    mutationFn: () =>
      api.put('/api/v1/sources/{name}', {
        path: { name },
        body: { name, kind, allowed_origins: kind === 'browser' ? origins : undefined, verified: believed && verified },
      }),
    onSuccess: (s) => {
      void queries.invalidateQueries({ queryKey: ['sources'] });
      setName('');
      close();
      made(s);
    },
  });
  return (
    <FormDialog
      title={say('addSource')}
      opened={opened}
      close={close}
      doing={add}
      label={say('add')}
      ready={name !== ''}
    >
      <TextInput
        label={say('sourceName')}
        description={say('sourceNameHelp')}
        value={name}
        onChange={(e) => setName(e.currentTarget.value.trim())}
        required
        data-autofocus
      />
      <Select
        label={say('kind')}
        description={say(`kindHelp_${kind}` as 'kindHelp_browser')}
        data={kinds.map((k) => ({ value: k, label: say(`kind_${k}`) }))}
        value={kind}
        onChange={(k) => setKind((k ?? 'browser') as Source['kind'])}
        allowDeselect={false}
      />
      {kind === 'browser' && (
        <TagsInput
          label={say('origins')}
          description={say('originsHelp')}
          value={origins}
          onChange={setOrigins}
          placeholder={origins.length === 0 ? 'https://shop.example' : undefined}
        />
      )}
      {believed && (
        <Checkbox
          label={say('verifiedLabel')}
          description={say('verifiedHelp')}
          checked={verified}
          onChange={(e) => setVerified(e.currentTarget.checked)}
        />
      )}
    </FormDialog>
  );
}
