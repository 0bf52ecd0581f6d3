import { Alert, Button, Paper, PasswordInput, Stack } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api';
import { Trouble } from '../parts/said';
import { useWho } from '../rights';
import { useLanguage } from '../settings';
import { SettingsPage } from './frame';
import { words } from './words';

/** One's own password. Whoever came with a token has none. */
export function Password() {
  const { say } = useLanguage(words);
  const who = useWho();
  return (
    <SettingsPage about={who?.user ? say('passwordAbout') : undefined}>
      {who && !who.user ? <Alert color="gray">{say('noPassword')}</Alert> : <Change />}
    </SettingsPage>
  );
}

function Change() {
  const { say } = useLanguage(words);
  const queries = useQueryClient();
  const [current, setCurrent] = useState('');
  const [password, setPassword] = useState('');
  const [again, setAgain] = useState('');
  const differs = again !== '' && again !== password;
  const change = useMutation({
    mutationFn: () => api.post('/api/v1/me/password', { body: { current, password } }),
    onSuccess: () => {
      queries.clear();
      window.location.assign('/console/'); // every session has ended
    },
  });
  const field = (label: string, value: string, set: (v: string) => void, fresh: boolean, help?: string) => (
    <PasswordInput
      label={label}
      description={help}
      value={value}
      onChange={(e) => set(e.currentTarget.value)}
      autoComplete={fresh ? 'new-password' : 'current-password'}
      visibilityToggleButtonProps={{ 'aria-label': say('showSecret') }}
      required
    />
  );
  return (
    <Paper withBorder p="md" maw={420}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          if (again === password) change.mutate();
        }}
      >
        <Stack>
          {field(say('current'), current, setCurrent, false)}
          {field(say('newPassword'), password, setPassword, true, say('passwordHelp'))}
          {field(say('again'), again, setAgain, true)}
          {differs && <Alert color="red">{say('notTheSame')}</Alert>}
          {change.error && <Trouble error={change.error} />}
          <Button type="submit" loading={change.isPending} disabled={differs}>
            {say('change')}
          </Button>
        </Stack>
      </form>
    </Paper>
  );
}
