-- only who still wants mail; a ; in a comment or in 'a text ;' is none
select email, first_name from members where not opted_out;
