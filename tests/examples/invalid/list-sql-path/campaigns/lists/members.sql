/* everyone */
  update members set n = 1;
  select 'email
