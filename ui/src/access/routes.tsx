// Pages about who may do what.
export const routes = [] as const
