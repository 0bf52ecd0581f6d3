import { Alert, Button, Center, Loader, Paper, Progress, Stack, Text, ThemeIcon, Title } from '@mantine/core';
import type { Icon } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { Problem } from '../api';
import { useLanguage } from '../settings';
import { Page } from './page';

/** What went wrong, and what to do. */
export function Trouble({ error, again }: { error: Error; again?: () => void }) {
  const { say } = useLanguage();
  const problem = error instanceof Problem ? error : undefined;
  const silent = problem?.status === 0;
  const hint = silent ? say('unreachableHelp') : problem?.hint;
  return (
    <Alert color="red" title={<span dir="auto">{silent ? say('unreachable') : error.message}</span>} role="alert">
      {hint && (
        <Text size="sm" dir="auto">
          {hint}
        </Text>
      )}
      {again && (
        <Button size="xs" variant="default" mt="xs" onClick={again}>
          {say('tryAgain')}
        </Button>
      )}
    </Alert>
  );
}

export function Waiting() {
  const { say } = useLanguage();
  return (
    <Center p="xl">
      <Loader size="sm" role="status" aria-label={say('loading')} />
    </Center>
  );
}

/** Nothing is here yet: what would be, and the next step. */
export function Empty(props: { icon: Icon; title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <Paper withBorder p="xl">
      <Stack align="center" gap="xs" ta="center" maw={520} mx="auto">
        <ThemeIcon variant="light" size={44} radius="xl">
          <props.icon size={22} aria-hidden />
        </ThemeIcon>
        <Title order={2} size="h4">
          {props.title}
        </Title>
        {props.children && (
          <Text size="sm" c="dimmed" component="div">
            {props.children}
          </Text>
        )}
        {props.action}
      </Stack>
    </Paper>
  );
}

/** A share of a whole, as a bar. */
export function Meter({ share, label, over }: { share: number; label: string; over?: boolean }) {
  const percent = Math.round(Math.min(1, Math.max(0, share)) * 100);
  return (
    <div className="meter" data-over={over || undefined} role="img" aria-label={label}>
      <i style={{ width: `${percent}%` }} />
    </div>
  );
}

/** How far long work is; share is between 0 and 1, and is not known when left out. */
export function Working({ label, share }: { label: string; share?: number }) {
  return (
    <Stack gap={4} role="status">
      <Text size="sm">{label}</Text>
      <Progress value={(share ?? 1) * 100} animated={share === undefined} aria-label={label} />
    </Stack>
  );
}

/** An address that no page has. */
export function Nowhere() {
  const { say } = useLanguage();
  return <Page title={say('notFound')}>{say('notFoundHelp')}</Page>;
}

/** A page that could not be shown, or not be loaded because the program was replaced. */
export function Stumbled({ error }: { error: unknown }) {
  return (
    <Trouble error={error instanceof Error ? error : new Error(String(error))} again={() => window.location.reload()} />
  );
}
