// Why the identity provider's answer let nobody in, by the code that the engine gives.
const REASONS: Record<string, (provider: string) => string> = {
  denied: (provider) => `It was cancelled, or ${provider} refused.`,
  expired: () => "It took more than ten minutes, or came back to another browser. Try again.",
  too_often: () => "Too many attempts came from your address. Try again in a quarter of an hour.",
  no_role: () => "You are in no group that has a role here. Ask whoever runs this engine.",
  no_email: (provider) => `What ${provider} says of you holds no verified email. Ask whoever runs it.`,
  inactive: () => "Your account here is deactivated. Ask whoever manages your team.",
  taken: (provider) =>
    `There is an account with your email already. Sign in to it here; then link it with ${provider} under Your account.`,
}

export function reasonOf(code: string, provider: string): string {
  const reason = REASONS[code]
  return reason ? reason(provider) : `Signing in with ${provider} did not work. The engine’s log says why.`
}
