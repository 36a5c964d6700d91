document.querySelector('#shop').textContent = 'Welcome';
